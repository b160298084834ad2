//! Applications, under the names of App Mesh's exporter: how often each was started, and the
//! memory of its process tree.

use super::process_tree::ProcessTree;
use super::table::{Metric, Table};
use crate::registry::{Collect, RegisterError, Registry, Scrape};

const STARTS: Metric =
    Metric::counter("appmesh_prom_process_start_count", "application process spawn count");
const MEMORY: Metric =
    Metric::gauge("appmesh_prom_process_memory_gauge", "application process memory bytes");

/// Visits each application that there is, at each scrape, with its name (the value of the label
/// `application`) and how it is.
pub type Visit = Box<dyn Fn(&mut dyn FnMut(&str, Status)) + Send>;

/// How an application is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its first process while it runs.
    pub pid: Option<u32>,
    /// How often it was started.
    pub starts: u64,
}

/// Which of the families are shown.
#[derive(Clone, Copy, Debug)]
pub struct Families {
    /// `appmesh_prom_process_start_count`.
    pub start_count: bool,
    /// `appmesh_prom_process_memory_gauge`.
    pub memory_gauge: bool,
}

impl Default for Families {
    fn default() -> Families {
        Families { start_count: true, memory_gauge: true }
    }
}

/// Registers the families of the applications that `visit` visits, with the labels and the group of `registry`.
///
/// Memory is that of the real /proc, where the pids are those of this process' namespace.
///
/// # Errors
/// [`RegisterError`] when one of the names is taken.
pub fn register(
    registry: &Registry,
    visit: Visit,
    families: Families,
) -> Result<(), RegisterError> {
    let table = |is_shown: bool, metric| {
        let register = || Table::register(registry, &["application"], &[metric]);
        is_shown.then(register).transpose()
    };
    registry.register_collector(Applications {
        starts: table(families.start_count, STARTS)?,
        memory: table(families.memory_gauge, MEMORY)?,
        tree: ProcessTree::new("/proc".into()),
        visit,
    });
    Ok(())
}

struct Applications {
    visit: Visit,
    starts: Option<Table>,
    memory: Option<Table>,
    tree: ProcessTree,
}

impl Collect for Applications {
    fn collect(&mut self, _scrape: &Scrape) {
        let mut starts = self.starts.as_mut().map(Table::sweep);
        let mut memory = self.memory.as_mut().map(Table::sweep);
        let (tree, mut is_refreshed) = (&mut self.tree, false);
        (self.visit)(&mut |name, status| {
            if let Some(starts) = &mut starts {
                starts.row(&[name]).set(0, Some(status.starts as f64));
            }
            let Some(memory) = &mut memory else { return };
            if status.pid.is_some() && !std::mem::replace(&mut is_refreshed, true) {
                tree.refresh();
            }
            let bytes = status.pid.map_or(0, |pid| tree.resident_bytes(pid));
            memory.row(&[name]).set(0, Some(bytes as f64));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::samples::samples;
    use crate::registry::Selection;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn visit(applications: Vec<(&'static str, Arc<AtomicU32>)>) -> Visit {
        Box::new(move |visit| {
            for (name, pid) in &applications {
                // ORDERING: Relaxed: one thread.
                let pid = pid.load(Ordering::Relaxed);
                visit(name, Status { pid: (pid != 0).then_some(pid), starts: u64::from(pid != 0) });
            }
        })
    }

    #[test]
    fn memory_is_zero_while_an_application_does_not_run() {
        let (registry, pid) = (Registry::new(), Arc::new(AtomicU32::new(0)));
        let applications = vec![("appweb", Arc::clone(&pid)), ("timer", Arc::default())];
        register(&registry, visit(applications), Families::default()).unwrap();
        let scrape = || {
            registry.collect(&Scrape::new(Selection::ALL));
            samples(&registry)
        };
        assert_eq!(
            scrape(),
            [
                "appmesh_prom_process_memory_gauge{application=appweb} 0",
                "appmesh_prom_process_memory_gauge{application=timer} 0",
                "appmesh_prom_process_start_count{application=appweb} 0",
                "appmesh_prom_process_start_count{application=timer} 0",
            ]
        );
        // ORDERING: Relaxed: one thread.
        pid.store(std::process::id(), Ordering::Relaxed);
        let running = scrape();
        assert_ne!(running[0], "appmesh_prom_process_memory_gauge{application=appweb} 0");
        assert_eq!(running[1], "appmesh_prom_process_memory_gauge{application=timer} 0");
        assert_eq!(running[2], "appmesh_prom_process_start_count{application=appweb} 1");
    }

    #[test]
    fn a_family_that_is_off_is_not_there() {
        let registry = Registry::new();
        let families = Families { memory_gauge: false, ..Families::default() };
        register(&registry, visit(vec![("a", Arc::default())]), families).unwrap();
        registry.collect(&Scrape::new(Selection::ALL));
        assert_eq!(samples(&registry), ["appmesh_prom_process_start_count{application=a} 0"]);
    }
}
