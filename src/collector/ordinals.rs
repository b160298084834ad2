//! The numbers 0, 1, 2 and so on as label values, each of which is written once.

/// What stands in the columns of a file: CPUs, sizes.
#[derive(Default)]
pub(crate) struct Ordinals {
    texts: Vec<Box<str>>,
}

impl Ordinals {
    pub(crate) fn text(&mut self, number: usize) -> &str {
        while self.texts.len() <= number {
            self.texts.push(self.texts.len().to_string().into());
        }
        &self.texts[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_numbers_in_any_order() {
        let mut ordinals = Ordinals::default();
        assert_eq!([11, 0, 11, 12].map(|n| ordinals.text(n).to_owned()), ["11", "0", "11", "12"]);
    }
}
