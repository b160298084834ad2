//! Label sets as structs: typed at the call site, borrowed for a look-up.
//!
//! [`labels!`](crate::labels) writes the struct and both traits. The *schema* of a label set is its
//! `'static` form; a family is a family of one schema, and a look-up takes any label set of that
//! schema, however short its borrows live.

use std::borrow::Cow;

/// The names of the labels of a family.
pub trait LabelSchema: 'static {
    /// The names, in the order in which [`Labels::with_values`] gives the values.
    const NAMES: &'static [&'static str];
}

/// The values of one label set.
pub trait Labels {
    /// The family's label type, whose names these values belong to.
    type Schema;

    /// Calls `f` with one value per name of the schema, in its order.
    fn with_values<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R;
}

/// What can stand in a field of a label set.
///
/// Implement it for an enum of your own by returning a `&'static str`.
///
/// ```
/// enum Outcome { Hit, Miss }
///
/// impl promlet::LabelValue for Outcome {
///     fn text(&self) -> impl AsRef<str> {
///         match self { Outcome::Hit => "hit", Outcome::Miss => "miss" }
///     }
/// }
/// ```
pub trait LabelValue {
    /// The value as it is to be exposed, unescaped.
    fn text(&self) -> impl AsRef<str>;
}

impl LabelValue for str {
    #[inline]
    fn text(&self) -> impl AsRef<str> {
        self
    }
}

impl<T: LabelValue + ?Sized> LabelValue for &T {
    #[inline]
    fn text(&self) -> impl AsRef<str> {
        T::text(self)
    }
}

impl LabelValue for String {
    #[inline]
    fn text(&self) -> impl AsRef<str> {
        self.as_str()
    }
}

impl LabelValue for Cow<'_, str> {
    #[inline]
    fn text(&self) -> impl AsRef<str> {
        &**self
    }
}

impl LabelValue for bool {
    #[inline]
    fn text(&self) -> impl AsRef<str> {
        if *self { "true" } else { "false" }
    }
}

/// An integer in decimal, without an allocation.
struct Decimal {
    /// The digits stand at the end.
    bytes: [u8; 20],
    start: usize,
}

impl Decimal {
    /// `value` is in the range of `u64` or of `i64`, so it has at most 20 characters.
    fn new(value: i128) -> Decimal {
        let mut decimal = Decimal { bytes: [b'0'; 20], start: 20 };
        let mut rest = value.unsigned_abs() as u64;
        loop {
            decimal.start -= 1;
            decimal.bytes[decimal.start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            decimal.start -= 1;
            decimal.bytes[decimal.start] = b'-';
        }
        decimal
    }
}

impl AsRef<str> for Decimal {
    fn as_ref(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).expect("digits and a sign are ASCII")
    }
}

macro_rules! integer_label_values {
    ($($integer:ty)*) => {$(
        impl LabelValue for $integer {
            #[inline]
            fn text(&self) -> impl AsRef<str> {
                Decimal::new(*self as i128)
            }
        }
    )*};
}

integer_label_values! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize }

/// Declares a struct of labels.
///
/// Every field is a label of the field's name, or of the name given after `as`. A field's type is
/// anything that implements [`LabelValue`](crate::LabelValue). With a lifetime, the values can be
/// borrowed for a look-up.
///
/// ```
/// promlet::labels! {
///     /// Labels of the requests.
///     pub struct Request<'a> {
///         method: &'a str,
///         status as "code": u16,
///     }
/// }
///
/// let registry = promlet::Registry::new();
/// let requests: promlet::Family<Request<'static>, promlet::Counter> =
///     registry.family("http_requests_total", "Requests served.")?;
/// let method = String::from("GET");
/// requests.get_or_create(&Request { method: &method, status: 200 }).inc();
/// # Ok::<(), promlet::RegisterError>(())
/// ```
#[macro_export]
macro_rules! labels {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<$life:lifetime> {
        $($(#[$field_meta:meta])* $field:ident $(as $label:literal)? : $type:ty),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name<$life> { $($(#[$field_meta])* $vis $field: $type),+ }

        impl $crate::LabelSchema for $name<'static> {
            const NAMES: &'static [&'static str] = &[$($crate::labels!(@name $field $($label)?)),+];
        }

        impl<$life> $crate::Labels for $name<$life> {
            type Schema = $name<'static>;

            #[inline]
            fn with_values<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R {
                f(&[$($crate::LabelValue::text(&self.$field).as_ref()),+])
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident $(as $label:literal)? : $type:ty),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name { $($(#[$field_meta])* $vis $field: $type),+ }

        impl $crate::LabelSchema for $name {
            const NAMES: &'static [&'static str] = &[$($crate::labels!(@name $field $($label)?)),+];
        }

        impl $crate::Labels for $name {
            type Schema = $name;

            #[inline]
            fn with_values<R>(&self, f: impl FnOnce(&[&str]) -> R) -> R {
                f(&[$($crate::LabelValue::text(&self.$field).as_ref()),+])
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $label:literal) => { $label };
}

#[cfg(test)]
mod tests {
    use super::*;

    labels! {
        struct Mixed<'a> {
            text: &'a str,
            owned as "own.ed": String,
            small: i8,
            flag: bool,
        }
    }

    #[test]
    fn every_kind_of_value_has_its_text() {
        assert_eq!(Mixed::NAMES, ["text", "own.ed", "small", "flag"]);
        let short_lived = String::from("t");
        let labels = Mixed { text: &short_lived, owned: "o".into(), small: i8::MIN, flag: true };
        labels.with_values(|values| assert_eq!(values, ["t", "o", "-128", "true"]));
    }

    #[test]
    fn the_extremes_of_integers_fit() {
        for (text, expected) in [
            (u64::MAX.text().as_ref().to_owned(), u64::MAX.to_string()),
            (i64::MIN.text().as_ref().to_owned(), i64::MIN.to_string()),
            (0_u8.text().as_ref().to_owned(), "0".to_owned()),
        ] {
            assert_eq!(text, expected);
        }
    }
}
