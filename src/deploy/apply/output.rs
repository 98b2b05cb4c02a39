//! What steps make known to the steps after them.
//!
//! A step is given the values that it needs, not a place to look for them: it can only be written down together with the
//! outputs of the steps that make them, and runs after those have made them.

use std::sync::{Arc, OnceLock};

/// A value that was observed, or that a step makes known when it has succeeded.
#[derive(Debug)]
pub(crate) struct Output<T> {
    value: Arc<OnceLock<T>>,
    made_by: Option<Arc<str>>,
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), made_by: self.made_by.clone() }
    }
}

impl<T> Output<T> {
    /// A value that is known before any step runs.
    pub(super) fn known(value: T) -> Self {
        Self { value: Arc::new(OnceLock::from(value)), made_by: None }
    }

    /// What the step of this id is to make known.
    pub(super) fn of_step(id: &str) -> Self {
        Self { value: Arc::default(), made_by: Some(Arc::from(id)) }
    }

    /// Makes the value known; the first one stays.
    pub(super) fn fulfil(&self, value: T) {
        let _ = self.value.set(value);
    }
}

impl<T: Clone> Output<T> {
    /// The value, if it is known by now.
    pub(crate) fn get(&self) -> Option<T> {
        self.value.get().cloned()
    }
}

/// What a step needs before it can run.
pub(super) trait Inputs: Send {
    /// What it is given then.
    type Values: Send;

    /// The steps that make it.
    fn producers(&self) -> Vec<Arc<str>>;

    /// The values; `None` before all of them are made.
    fn values(&self) -> Option<Self::Values>;
}

impl<T: Clone + Send + Sync> Inputs for Output<T> {
    type Values = T;

    fn producers(&self) -> Vec<Arc<str>> {
        self.made_by.iter().cloned().collect()
    }

    fn values(&self) -> Option<T> {
        self.get()
    }
}

/// An input that a step can do without: it runs with what is known by then.
pub(super) struct IfMade<T>(pub(super) Option<Output<T>>);

impl<T: Clone + Send + Sync> Inputs for IfMade<T> {
    type Values = Option<T>;

    fn producers(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn values(&self) -> Option<Option<T>> {
        Some(self.0.as_ref().and_then(Output::get))
    }
}

impl<I: Inputs> Inputs for Option<I> {
    type Values = Option<I::Values>;

    fn producers(&self) -> Vec<Arc<str>> {
        self.as_ref().map_or_else(Vec::new, Inputs::producers)
    }

    fn values(&self) -> Option<Option<I::Values>> {
        match self {
            Some(input) => input.values().map(Some),
            None => Some(None),
        }
    }
}

impl Inputs for () {
    type Values = ();

    fn producers(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn values(&self) -> Option<()> {
        Some(())
    }
}

macro_rules! inputs_of_tuple {
    ($($input:ident $index:tt),+) => {
        impl<$($input: Inputs),+> Inputs for ($($input,)+) {
            type Values = ($($input::Values,)+);

            fn producers(&self) -> Vec<Arc<str>> {
                [$(self.$index.producers()),+].concat()
            }

            fn values(&self) -> Option<Self::Values> {
                Some(($(self.$index.values()?,)+))
            }
        }
    };
}

inputs_of_tuple!(A 0, B 1);
inputs_of_tuple!(A 0, B 1, C 2);
inputs_of_tuple!(A 0, B 1, C 2, D 3);
