//! The events that can be counted: numbers of linux/perf_event.h, names of node_exporter's flags.

use crate::collector::table::Metric;
use crate::sys::perf::Source;

/// An event that a flag can choose.
pub(super) struct Choosable {
    pub(super) name: &'static str,
    pub(super) source: Source,
    pub(super) config: u64,
    pub(super) metric: Metric,
}

const fn hardware(name: &'static str, config: u64, metric: Metric) -> Choosable {
    Choosable { name, source: Source::Hardware, config, metric }
}

const fn software(name: &'static str, config: u64, metric: Metric) -> Choosable {
    Choosable { name, source: Source::Software, config, metric }
}

const fn cache(name: &'static str, config: u64, metric: Metric) -> Choosable {
    Choosable { name, source: Source::Cache, config, metric }
}

/// Caches: the lowest byte of an event.
const L1_DATA: u64 = 0;
const L1_INSTRUCTIONS: u64 = 1;
const LAST_LEVEL: u64 = 2;
const DATA_TLB: u64 = 3;
const INSTRUCTION_TLB: u64 = 4;
const BRANCH_UNIT: u64 = 5;
/// What is done with them, and what comes of it: the two bytes above.
const WRITE: u64 = 1 << 8;
const MISS: u64 = 1 << 16;

pub(super) const HARDWARE: [Choosable; 9] = [
    hardware("CpuCycles", 0, Metric::counter("node_perf_cpucycles_total", "Cycles of the CPU.")),
    hardware(
        "CpuInstr",
        1,
        Metric::counter("node_perf_instructions_total", "Instructions that were retired."),
    ),
    hardware("CacheRef", 2, Metric::counter("node_perf_cache_refs_total", "Accesses to caches.")),
    hardware(
        "CacheMisses",
        3,
        Metric::counter("node_perf_cache_misses_total", "Accesses to caches that missed."),
    ),
    hardware(
        "BranchInstr",
        4,
        Metric::counter("node_perf_branch_instructions_total", "Branches that were retired."),
    ),
    hardware(
        "BranchMisses",
        5,
        Metric::counter("node_perf_branch_misses_total", "Branches that were foretold wrongly."),
    ),
    hardware(
        "StalledCyclesFrontend",
        7,
        Metric::counter(
            "node_perf_stalled_cycles_frontend_total",
            "Cycles in which no instruction could be issued.",
        ),
    ),
    hardware(
        "StalledCyclesBackend",
        8,
        Metric::counter(
            "node_perf_stalled_cycles_backend_total",
            "Cycles in which no instruction could be retired.",
        ),
    ),
    hardware(
        "RefCpuCycles",
        9,
        Metric::counter("node_perf_ref_cpucycles_total", "Cycles at an unchanging frequency."),
    ),
];

pub(super) const SOFTWARE: [Choosable; 5] = [
    software("PageFault", 2, Metric::counter("node_perf_page_faults_total", "Page faults.")),
    software(
        "ContextSwitch",
        3,
        Metric::counter("node_perf_context_switches_total", "Context switches."),
    ),
    software(
        "CpuMigration",
        4,
        Metric::counter("node_perf_cpu_migrations_total", "Tasks that came from another CPU."),
    ),
    software(
        "MinorFault",
        5,
        Metric::counter("node_perf_minor_faults_total", "Page faults that read nothing."),
    ),
    software(
        "MajorFault",
        6,
        Metric::counter("node_perf_major_faults_total", "Page faults that waited for a disk."),
    ),
];

pub(super) const CACHE: [Choosable; 16] = [
    cache(
        "L1DataReadHit",
        L1_DATA,
        Metric::counter("node_perf_cache_l1d_read_hits_total", "Reads of data in the first level."),
    ),
    cache(
        "L1DataReadMiss",
        L1_DATA | MISS,
        Metric::counter(
            "node_perf_cache_l1d_read_misses_total",
            "Reads of data that missed the first level.",
        ),
    ),
    cache(
        "L1DataWriteHit",
        L1_DATA | WRITE,
        Metric::counter(
            "node_perf_cache_l1d_write_hits_total",
            "Writes of data in the first level.",
        ),
    ),
    cache(
        "L1InstrReadMiss",
        L1_INSTRUCTIONS | MISS,
        Metric::counter(
            "node_perf_cache_l1_instr_read_misses_total",
            "Instructions that missed the first level.",
        ),
    ),
    cache(
        "LLReadHit",
        LAST_LEVEL,
        Metric::counter("node_perf_cache_ll_read_hits_total", "Reads in the last level."),
    ),
    cache(
        "LLReadMiss",
        LAST_LEVEL | MISS,
        Metric::counter(
            "node_perf_cache_ll_read_misses_total",
            "Reads that missed the last level.",
        ),
    ),
    cache(
        "LLWriteHit",
        LAST_LEVEL | WRITE,
        Metric::counter("node_perf_cache_ll_write_hits_total", "Writes in the last level."),
    ),
    cache(
        "LLWriteMiss",
        LAST_LEVEL | WRITE | MISS,
        Metric::counter(
            "node_perf_cache_ll_write_misses_total",
            "Writes that missed the last level.",
        ),
    ),
    cache(
        "DataTLBReadHit",
        DATA_TLB,
        Metric::counter(
            "node_perf_cache_tlb_data_read_hits_total",
            "Reads whose address was in the TLB of data.",
        ),
    ),
    cache(
        "DataTLBReadMiss",
        DATA_TLB | MISS,
        Metric::counter(
            "node_perf_cache_tlb_data_read_misses_total",
            "Reads whose address was not in the TLB of data.",
        ),
    ),
    cache(
        "DataTLBWriteHit",
        DATA_TLB | WRITE,
        Metric::counter(
            "node_perf_cache_tlb_data_write_hits_total",
            "Writes whose address was in the TLB of data.",
        ),
    ),
    cache(
        "DataTLBWriteMiss",
        DATA_TLB | WRITE | MISS,
        Metric::counter(
            "node_perf_cache_tlb_data_write_misses_total",
            "Writes whose address was not in the TLB of data.",
        ),
    ),
    cache(
        "InstrTLBReadHit",
        INSTRUCTION_TLB,
        Metric::counter(
            "node_perf_cache_tlb_instr_read_hits_total",
            "Instructions whose address was in their TLB.",
        ),
    ),
    cache(
        "InstrTLBReadMiss",
        INSTRUCTION_TLB | MISS,
        Metric::counter(
            "node_perf_cache_tlb_instr_read_misses_total",
            "Instructions whose address was not in their TLB.",
        ),
    ),
    cache(
        "BPUReadHit",
        BRANCH_UNIT,
        Metric::counter("node_perf_cache_bpu_read_hits_total", "Branches that were foretold."),
    ),
    cache(
        "BPUReadMiss",
        BRANCH_UNIT | MISS,
        Metric::counter(
            "node_perf_cache_bpu_read_misses_total",
            "Branches that the CPU could not foretell.",
        ),
    ),
];
