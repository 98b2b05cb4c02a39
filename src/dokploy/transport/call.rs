//! What is fixed about a call: its name, its method, the fields it sends, its timeout.

/// The HTTP method of a call: queries are read with GET, mutations are sent with POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; may be retried.
    Get,
    /// Changes something; is never retried once anything of it was sent.
    Post,
}

impl Method {
    /// The name in a request.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Which of the client's timeouts a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutClass {
    /// A read.
    Read,
    /// A change that the server makes at once.
    Write,
    /// A change during which the server may pull an image: the deployment of a database, a change of its port.
    Long,
}

/// One call of Dokploy's API as this client makes it.
///
/// The client sends from it, and the contract check compares it with the server's own `OpenAPI` document: both speak
/// of the same fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Router and procedure, for instance `application.create`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The fields that every such request carries.
    pub always: &'static [&'static str],
    /// The fields that some such requests carry.
    pub sometimes: &'static [&'static str],
    /// Which timeout it has.
    pub timeout_class: TimeoutClass,
}

impl Call {
    /// A query that carries these fields.
    pub(crate) const fn get(name: &'static str, always: &'static [&'static str]) -> Self {
        Self { name, method: Method::Get, always, sometimes: &[], timeout_class: TimeoutClass::Read }
    }

    /// A mutation that carries these fields.
    pub(crate) const fn post(name: &'static str, always: &'static [&'static str]) -> Self {
        Self { name, method: Method::Post, always, sometimes: &[], timeout_class: TimeoutClass::Write }
    }

    /// Some requests carry these fields as well.
    pub(crate) const fn sometimes(self, sometimes: &'static [&'static str]) -> Self {
        Self { sometimes, ..self }
    }

    /// The server may pull an image during the call.
    pub(crate) const fn long(self) -> Self {
        Self { timeout_class: TimeoutClass::Long, ..self }
    }

    /// Whether `fields` are what a request of this call carries.
    pub(crate) fn carries<'a>(&self, fields: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
        let known = |field: &str| self.always.contains(&field) || self.sometimes.contains(&field);
        fields.clone().all(known) && self.always.iter().all(|name| fields.clone().any(|field| field == *name))
    }
}
