//! Turns: what is done to one instance is done by one caller at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use slipway_core::id::InstanceId;

type Turn = tokio::sync::Mutex<()>;

/// The turns being taken or waited for.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<HashMap<InstanceId, Weak<Turn>>>,
}

impl Turns {
    /// The lock of an instance. It is forgotten when the last caller drops it.
    pub fn of(&self, id: &InstanceId) -> Arc<Turn> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = taken.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::default());
        taken.insert(id.clone(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    #[test]
    fn callers_share_a_turn_while_one_holds_it_and_no_longer() {
        let turns = Turns::default();
        let (one, other) = (InstanceId::from_bits(1), InstanceId::from_bits(2));
        let first = turns.of(&one);
        assert!(Arc::ptr_eq(&first, &turns.of(&one)));
        assert!(!Arc::ptr_eq(&first, &turns.of(&other)));
        drop(first);
        assert_eq!(Arc::strong_count(&turns.of(&one)), 1);
        assert_eq!(turns.taken.lock().unwrap().len(), 1);
    }
}
