//! What processes use up: counts that only grow while a process lives.

/// What a process, or a group of them, has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user mode, in microseconds.
    pub user_micros: u64,
    /// Processor time in the kernel, in microseconds.
    pub system_micros: u64,
    /// Page faults that did not wait for a disk.
    pub minor_faults: u64,
    /// Page faults that did.
    pub major_faults: u64,
    /// Bytes read from storage.
    pub read_bytes: u64,
    /// Bytes written to storage, or to pages that will be.
    pub write_bytes: u64,
    /// Switches to another thread because this one waited.
    pub voluntary_switches: u64,
    /// Switches because its time was over.
    pub involuntary_switches: u64,
}

impl Usage {
    /// Joins each count with that of `other`.
    fn zip(self, other: Usage, join: impl Fn(u64, u64) -> u64) -> Usage {
        Usage {
            user_micros: join(self.user_micros, other.user_micros),
            system_micros: join(self.system_micros, other.system_micros),
            minor_faults: join(self.minor_faults, other.minor_faults),
            major_faults: join(self.major_faults, other.major_faults),
            read_bytes: join(self.read_bytes, other.read_bytes),
            write_bytes: join(self.write_bytes, other.write_bytes),
            voluntary_switches: join(self.voluntary_switches, other.voluntary_switches),
            involuntary_switches: join(self.involuntary_switches, other.involuntary_switches),
        }
    }

    /// The sum.
    pub(crate) fn plus(self, other: Usage) -> Usage {
        self.zip(other, u64::saturating_add)
    }

    /// What is left without `other`.
    pub(crate) fn minus(self, other: Usage) -> Usage {
        self.zip(other, u64::saturating_sub)
    }

    /// The larger of each count.
    pub(crate) fn max(self, other: Usage) -> Usage {
        self.zip(other, Ord::max)
    }

    /// The smaller of each count.
    pub(crate) fn min(self, other: Usage) -> Usage {
        self.zip(other, Ord::min)
    }

    /// Processor time, in microseconds.
    pub(crate) fn cpu_micros(self) -> u64 {
        self.user_micros.saturating_add(self.system_micros)
    }
}
