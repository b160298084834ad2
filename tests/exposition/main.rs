//! What is registered is what can be read back: any families with any labels and values, judged by
//! the independent reader of the text format.

mod created;
mod exemplars;
mod formats;
mod gzip;
mod native;
mod plan;
mod python;
#[path = "../support/mod.rs"]
mod support;
mod textparse;
mod timed;

use formats::PROTOBUF;
use plan::{Plan, Values, any_plan};
use promlet::exporter::{RequestCounters, register_scrape_up};
use promlet::{Buckets, Counter, Dynamic, Encoder, Family, Gauge, Histogram, Registry};
use proptest::prelude::*;
use support::exposition::{self, Sample};

fn render(registry: &Registry) -> Vec<u8> {
    let (content_type, body) = scrape(registry, "");
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    body
}

/// The Content-Type and the body of the answer to this `Accept`.
fn scrape(registry: &Registry, accept: &str) -> (&'static str, Vec<u8>) {
    let mut exposition = Encoder::new(registry.clone()).scrape(Some(accept.as_bytes()), None);
    let mut body = Vec::new();
    exposition.write_all(&mut body);
    (exposition.content_type(), body)
}

fn labelled<M>(
    view: &Registry,
    name: &'static str,
    help: &'static str,
    label: &str,
) -> Family<Dynamic, M>
where
    M: promlet::Instrument<Options = ()>,
{
    view.family_builder(name, help).register_dynamic(&[label], ()).expect("the name is free")
}

/// The page that App Mesh's exporter serves, name for name, with its host, pid and values.
#[test]
fn appmesh_page_is_golden() {
    let registry = Registry::new();
    let view = registry.with_const_labels([("host", "appmesh"), ("pid", "10791")]);
    let help = "application process spawn count";
    let starts =
        labelled::<Counter>(&view, "appmesh_prom_process_start_count", help, "application");
    starts.get_or_create(&["appweb"]).inc();
    starts.get_or_create(&["timer"]);
    let help = "application process memory bytes";
    let memory = labelled::<Gauge>(&view, "appmesh_prom_process_memory_gauge", help, "application");
    memory.get_or_create(&["appweb"]).set(3_268_759.0);
    memory.get_or_create(&["timer"]);
    RequestCounters::default().with_request_count(&view).expect("the name is free");
    register_scrape_up(&view).expect("the name is free");
    let scrapes = view.counter("appmesh_prom_scrape_count", "prometheus scrape count");
    scrapes.expect("the name is free").inc_by(6);

    let body = String::from_utf8(render(&registry)).expect("the page is UTF-8");
    assert_eq!(body, include_str!("../golden/appmesh.prom"));
    exposition::read(body.as_bytes()).expect("the page is valid");
}

/// The escaping scheme `underscores`, from its documentation.
fn underscores(name: &str, is_metric: bool) -> String {
    let legal = |index: usize, c: char| {
        c.is_ascii_alphabetic()
            || c == '_'
            || (c == ':' && is_metric)
            || (c.is_ascii_digit() && index > 0)
    };
    name.char_indices().map(|(index, c)| if legal(index, c) { c } else { '_' }).collect()
}

fn check_family(plan: &Plan, series: &[(Vec<String>, Values)], page: &exposition::Exposition) {
    let name = underscores(&plan.name, true);
    let family = page.family(&name).unwrap_or_else(|| panic!("no family {name:?}"));
    assert_eq!(family.kind, plan.kind());
    let help = plan.help.trim_start_matches([' ', '\t']);
    let shown = family.help.as_deref().unwrap_or_default();
    assert_eq!(shown.trim_start_matches([' ', '\t']), help);
    let mut expected = Vec::new();
    for (key, values) in series {
        for (suffix, own, value) in plan.samples(values) {
            let labels = plan.labels.iter().map(|label| underscores(label, false));
            let mut labels: Vec<(String, String)> = labels.zip(key.iter().cloned()).collect();
            labels.extend(own.map(|value| (underscores(plan.own_label(), true), value.to_owned())));
            labels.sort();
            expected.push((format!("{name}{suffix}"), labels, value));
        }
    }
    assert_eq!(family.samples.len(), expected.len());
    for (Sample { name, labels, value, .. }, expected) in family.samples.iter().zip(&expected) {
        let mut labels = labels.clone();
        labels.sort();
        assert_eq!((name, &labels), (&expected.0, &expected.1));
        let is_same = *value == expected.2 || value.is_nan() && expected.2.is_nan();
        assert!(is_same, "{name}{labels:?}: {value} is not {}", expected.2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_families_read_back(plans in prop::collection::vec(any_plan(), 1..6)) {
        let registry = Registry::new();
        let registered: Vec<_> = plans
            .iter()
            .filter_map(|plan| plan.register(&registry).map(|series| (plan, series)))
            .collect();
        let body = render(&registry);
        let page = exposition::read(&body).unwrap_or_else(|error| {
            panic!("{error:?} in {}", String::from_utf8_lossy(&body))
        });
        prop_assert_eq!(page.families.len(), registered.len());
        for (plan, series) in registered {
            check_family(plan, &series, &page);
        }
    }

    /// However small the pieces are that a body is rendered in, it is the same body.
    #[test]
    fn pieces_make_the_whole(plans in prop::collection::vec(any_plan(), 1..4), room in 1..5_000_usize) {
        let registry = Registry::new();
        plans.iter().for_each(|plan| drop(plan.register(&registry)));
        let mut exposition = Encoder::new(registry.clone()).scrape(None, None);
        let mut pieces = Vec::new();
        loop {
            let before = pieces.len();
            let is_done = exposition.write_some(&mut pieces, room);
            prop_assert!(is_done || pieces.len() > before, "no progress");
            if is_done {
                break;
            }
        }
        prop_assert_eq!(pieces, render(&registry));
    }
}

/// Pages are laid out again where series came or went, and only their values change otherwise.
#[test]
fn series_come_and_go_between_scrapes() {
    let registry = Registry::new();
    let family = labelled::<Counter>(&registry, "m_total", "help", "n");
    let mut encoder = Encoder::new(registry.clone());
    let mut scrape = || {
        let mut body = Vec::new();
        encoder.scrape(None, None).write_all(&mut body);
        exposition::read(&body).expect("every page is valid")
    };
    assert!(scrape().families.is_empty(), "a family without series is not shown");
    let names: Vec<String> = (0..150).map(|number| number.to_string()).collect();
    names.iter().for_each(|name| family.get_or_create(&[name.as_str()]).inc());
    assert_eq!(scrape().samples().count(), 150);
    for (step, name) in names.iter().enumerate() {
        assert!(family.remove(&[name.as_str()]));
        family.get_or_create(&[format!("new {step}").as_str()]).inc_by(step as u64);
        if step % 7 == 0 {
            let page = scrape();
            assert_eq!(page.samples().count(), 150);
            assert_eq!(page.value("m_total", &[("n", name)]), None);
            let new = format!("new {step}");
            assert_eq!(page.value("m_total", &[("n", &new)]), Some(step as f64));
        }
    }
    family.clear();
    assert!(scrape().families.is_empty());
    family.get_or_create(&["again"]).inc();
    assert_eq!(scrape().value("m_total", &[("n", "again")]), Some(1.0));
}

/// However long the labels are, a piece has no more bytes than there is room for, unless one series
/// has.
#[test]
fn long_labels_make_no_piece_longer_than_its_room() {
    const ROOM: usize = 64 * 1_024;
    let registry = Registry::new();
    let counters = labelled::<Counter>(&registry, "m_total", "help", "n");
    let histograms = registry.family_builder("h", "").register_dynamic(&["n"], Buckets::default());
    let histograms: Family<Dynamic, Histogram> = histograms.expect("the names are legal");
    for number in 0..100 {
        counters.get_or_create(&[format!("{number:010000}").as_str()]).inc_by(number);
    }
    for number in 0..10 {
        histograms.get_or_create(&[format!("{number:02500}").as_str()]).observe(0.1);
    }
    let mut encoder = Encoder::new(registry);
    for accept in ["text/plain", "application/openmetrics-text", PROTOBUF] {
        for coding in ["identity", "gzip"] {
            let mut scrape = || encoder.scrape(Some(accept.as_bytes()), Some(coding.as_bytes()));
            let mut whole = Vec::new();
            scrape().write_all(&mut whole);
            let (mut exposition, mut body, mut is_done) = (scrape(), Vec::new(), false);
            while !is_done {
                let mut piece = Vec::new();
                is_done = exposition.write_some(&mut piece, ROOM);
                assert!(piece.len() <= ROOM, "{accept}, {coding}: {} bytes", piece.len());
                body.extend_from_slice(&piece);
            }
            assert!(body == whole, "{accept}, {coding}");
        }
    }
    let mut body = Vec::new();
    encoder.scrape(None, None).write_all(&mut body);
    let page = exposition::read(&body).expect("every page is valid");
    assert_eq!(page.value("m_total", &[("n", &format!("{:010000}", 77))]), Some(77.0));
    assert_eq!(page.samples().count(), 100 + 10 * 14);
}
