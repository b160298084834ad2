//! What a family has once it has series: the tables that look-ups go through, and the members in the
//! order of their pages.

use crate::metric::cell::{Block, Series};
use crate::metric::shape::Shape;
use crate::metric::table::Table;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

/// The series of a family.
pub(super) struct Contents {
    /// INVARIANT: as many as a power of two.
    tables: Box<[RwLock<Table>]>,
    pub(super) members: Mutex<Members>,
}

impl Contents {
    pub(super) fn new(tables: usize) -> Contents {
        let tables = (0..tables).map(|_| RwLock::default()).collect();
        Contents { tables, members: Mutex::default() }
    }

    /// The table of `hash`; its entries are placed by the low bits, so the high ones choose.
    #[inline]
    pub(super) fn table(&self, hash: u64) -> &RwLock<Table> {
        &self.tables[(hash >> 32) as usize & (self.tables.len() - 1)]
    }
}

#[derive(Default)]
pub(super) struct Members {
    pub(super) blocks: Vec<BlockMembers>,
    pub(super) series_count: usize,
    pub(super) overflow: Option<Arc<Series>>,
    /// Set by blocks whose slots became free.
    /// There is none before there are blocks.
    pub(super) released: Option<Arc<AtomicBool>>,
    pub(super) last_expiry: Option<Instant>,
}

impl Members {
    /// Takes a slot that a removed series left in any block of `shape`, and says which block's.
    pub(super) fn find_released_slot(&mut self, shape: &Arc<Shape>) -> Option<(usize, u8)> {
        let is_released = self.released.as_ref()?;
        // ORDERING: Acquire pairs with the Release in `Block::release`.
        if !is_released.swap(false, Ordering::Acquire) {
            return None;
        }
        let found = self
            .blocks
            .iter()
            .enumerate()
            .filter(|(_, entry)| Arc::ptr_eq(entry.block.shape(), shape))
            .find_map(|(index, entry)| entry.block.take_slot().map(|slot| (index, slot)));
        if found.is_some() {
            // ORDERING: Relaxed: read by this thread or under the member lock. There may be more.
            is_released.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Adds a new block and takes its first slot.
    pub(super) fn add_block(&mut self, block: Arc<Block>) -> (usize, u8) {
        let slot = block.take_slot().expect("a new block has free slots");
        if self.blocks.is_empty() {
            // Most families of a node never have another.
            self.blocks.reserve_exact(1);
        }
        self.blocks.push(BlockMembers { block, series: Arc::default(), version: 0 });
        (self.blocks.len() - 1, slot)
    }
}

pub(super) struct BlockMembers {
    pub(super) block: Arc<Block>,
    /// In the order of creation. Shared with the pages of all formats, copied when it changes.
    pub(super) series: Arc<Vec<Arc<Series>>>,
    /// The family's version when this last changed.
    pub(super) version: u64,
}
