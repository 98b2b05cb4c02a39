//! Reads from source text what code that did not run would have asked for.
//!
//! Loading an app runs its modules, not its handlers. What stands inside a function that was not called, in a module that
//! is imported only then, or after the point where loading failed, is read from the text: requests of the form
//! `….create((get) => … get('NAME')…)`, dynamic imports, files that are run by their path, and reads of `process.env`.

use super::calls::{Callee, is_reader, is_runner, leading_variable, must_run};
use super::path_values::Value;
use super::source::Source;
use super::source_scope::{Scope, Use};
use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrowFunctionExpression, CallExpression, Class, ClassElement, ComputedMemberExpression,
    ExportAllDeclaration, ExportDeclaration, ExportFromDeclaration, Expression, Function, IdentifierReference,
    ImportDeclaration, ImportDeclarationSpecifier, ImportExpression, MethodDefinition, NewExpression, ObjectExpression,
    ObjectProperty, PropertyDefinition, PropertyKey, StaticMemberExpression, TSImportEqualsDeclaration,
    TSModuleReference, VariableDeclaration, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};
use oxc_syntax::scope::ScopeFlags;
use std::path::Path;

/// Reads the source text of a file. What cannot be parsed says nothing.
pub(super) fn read(text: &str, file: &Path) -> Source {
    let given = SourceType::from_path(file).unwrap_or_else(|_| SourceType::ts());
    for source_type in [given, SourceType::tsx()] {
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, text, source_type).parse();
        if !parsed.panicked {
            let mut reader = Reader(Scope::of(text, file));
            reader.visit_program(&parsed.program);
            return reader.0.source;
        }
    }
    Source::default()
}

struct Reader(Scope);

impl Reader {
    /// What is called, with what is called on its result.
    fn callee(&mut self, callee: &Expression<'_>, links: Vec<String>) {
        self.0.links = links;
        match callee.get_inner_expression() {
            Expression::StaticMemberExpression(member) => {
                self.0.links.push(member.property.name.to_string());
                self.visit_expression(&member.object);
            }
            other => self.visit_expression(other),
        }
        self.0.links.clear();
    }

    fn arguments(&mut self, arguments: &[Argument<'_>], callee: Option<&Callee<'_>>) {
        let path_use = match callee {
            Some(callee) if is_reader(callee) => Use::Other,
            Some(callee) if is_runner(callee) => Use::Run,
            _ => self.0.path_use,
        };
        let first = arguments.first().and_then(Argument::as_expression);
        if let Some(first) = first.filter(|_| callee.is_some_and(|callee| must_run(callee, &self.0.imported))) {
            self.0.must_know(first);
        }
        let before = std::mem::replace(&mut self.0.path_use, path_use);
        for argument in arguments {
            self.visit_argument(argument);
        }
        self.0.path_use = before;
    }

    /// `process.env.NAME` and `process.env['NAME']`.
    fn direct_read(&mut self, object: &Expression<'_>, name: &str, span: Span) {
        if object.is_specific_member_access("process", "env") {
            let line = self.0.line(span);
            self.0.source.direct_reads.push((name.to_owned(), line));
        }
    }

    /// A name of the app's own for what begins with a variable.
    fn alias(&mut self, name: Option<&str>, value: Option<&Expression<'_>>) {
        if let (Some(name), Some(variable)) = (name, value.and_then(leading_variable)) {
            self.0.source.aliases.push((name.to_owned(), variable.to_owned()));
        }
    }

    fn method(&mut self, key: &PropertyKey<'_>, work: impl FnOnce(&mut Self)) {
        let is_register = key.is_specific_static_name("register");
        self.0.registers += usize::from(is_register);
        work(self);
        self.0.registers -= usize::from(is_register);
    }

    fn member_of_service(&mut self, service: Option<String>, work: impl FnOnce(&mut Self)) {
        self.0.enter_service(service);
        work(self);
        self.0.services.pop();
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_expression(&mut self, it: &Expression<'a>) {
        let before = self.0.path_use;
        if before != Use::Other {
            let values = self.0.constants.evaluate(it);
            if self.0.note(&values, it.span()) {
                return;
            }
            if values.iter().any(|value| matches!(value, Value::Dynamic { .. })) {
                // Its parts are no paths by themselves.
                self.0.path_use = Use::Other;
            }
        }
        walk::walk_expression(self, it);
        self.0.path_use = before;
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        let links = std::mem::take(&mut self.0.links);
        let callee = Callee::of(&it.callee, false);
        if let Expression::Identifier(name) = it.callee.get_inner_expression() {
            self.0.request(it, &name.name, &links);
            if name.name == "require" {
                self.0.import(it.arguments.first().and_then(Argument::as_expression));
                return;
            }
        }
        self.callee(&it.callee, links);
        let builder = it.arguments.first().and_then(Argument::as_expression).map(Expression::get_inner_expression);
        let is_function = builder.is_some_and(Expression::is_function);
        self.0.next_is_builder = is_function && callee.as_ref().is_some_and(Callee::is_create);
        self.arguments(&it.arguments, callee.as_ref());
    }

    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        let links = std::mem::take(&mut self.0.links);
        self.visit_expression(&it.callee);
        self.arguments(&it.arguments, Callee::of(&it.callee, true).as_ref());
        self.0.links = links;
    }

    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        let is_register = it.id.as_ref().is_some_and(|id| id.name == "register");
        let is_builder = self.0.takes_builder(it.id.as_ref().map(|id| id.name.as_str()));
        self.0.registers += usize::from(is_register);
        let before = self.0.enter_function(&it.params, is_builder);
        walk::walk_function(self, it, flags);
        self.0.leave_function(before);
        self.0.registers -= usize::from(is_register);
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        let is_builder = self.0.takes_builder(None);
        let before = self.0.enter_function(&it.params, is_builder);
        walk::walk_arrow_function_expression(self, it);
        self.0.leave_function(before);
    }

    fn visit_variable_declaration(&mut self, it: &VariableDeclaration<'a>) {
        let before = std::mem::replace(&mut self.0.is_const, it.kind.is_const());
        walk::walk_variable_declaration(self, it);
        self.0.is_const = before;
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        let (Some(name), Some(init)) = (it.id.get_binding_identifier(), &it.init) else {
            walk::walk_variable_declarator(self, it);
            return;
        };
        if init.get_inner_expression().is_function() {
            self.0.next_is_builder = self.0.named_builders.contains(name.name.as_str());
            let is_register = name.name == "register";
            self.0.registers += usize::from(is_register);
            self.visit_expression(init);
            self.0.registers -= usize::from(is_register);
            return;
        }
        self.alias(Some(&name.name), Some(init));
        let values = if self.0.is_const { self.0.constants.evaluate(init) } else { Vec::new() };
        let is_path = values.iter().any(|value| !matches!(value, Value::Text(_)));
        if !values.is_empty() {
            self.0.constants.insert(&name.name, values);
        }
        // What becomes of a path shows where its name stands.
        let before = self.0.path_use;
        if is_path && !self.0.is_exported {
            self.0.path_use = Use::Other;
        }
        self.visit_expression(init);
        self.0.path_use = before;
    }

    fn visit_export_declaration(&mut self, it: &ExportDeclaration<'a>) {
        let before = std::mem::replace(&mut self.0.is_exported, true);
        walk::walk_export_declaration(self, it);
        self.0.is_exported = before;
    }

    fn visit_object_expression(&mut self, it: &ObjectExpression<'a>) {
        let named = it.properties.iter().filter_map(|property| property.as_property());
        let service =
            named.filter(|it| it.key.is_specific_static_name("serviceName")).find_map(|it| self.0.text(&it.value));
        self.member_of_service(service, |this| walk::walk_object_expression(this, it));
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        self.alias(it.key.static_name().as_deref(), Some(&it.value));
        self.method(&it.key, |this| walk::walk_object_property(this, it));
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        let service = it.body.body.iter().find_map(|element| match element {
            ClassElement::PropertyDefinition(field) if field.key.is_specific_static_name("serviceName") => {
                self.0.text(field.value.as_ref()?)
            }
            _ => None,
        });
        self.member_of_service(service, |this| walk::walk_class(this, it));
    }

    fn visit_method_definition(&mut self, it: &MethodDefinition<'a>) {
        self.method(&it.key, |this| walk::walk_method_definition(this, it));
    }

    fn visit_property_definition(&mut self, it: &PropertyDefinition<'a>) {
        self.alias(it.key.static_name().as_deref(), it.value.as_ref());
        self.method(&it.key, |this| walk::walk_property_definition(this, it));
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.0.splits(&it.name);
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        self.direct_read(&it.object, &it.property.name, it.span);
        self.0.splits(&it.property.name);
        walk::walk_static_member_expression(self, it);
    }

    fn visit_computed_member_expression(&mut self, it: &ComputedMemberExpression<'a>) {
        if let Expression::StringLiteral(name) = &it.expression {
            self.direct_read(&it.object, &name.value, it.span);
        }
        walk::walk_computed_member_expression(self, it);
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        self.0.import(Some(&it.source));
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if it.import_kind.is_type() {
            return;
        }
        for specifier in it.specifiers.iter().flatten() {
            let local = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(named) => &named.local,
                ImportDeclarationSpecifier::ImportDefaultSpecifier(whole) => &whole.local,
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(whole) => &whole.local,
            };
            self.0.imported.insert(local.name.to_string(), it.source.value.to_string());
        }
        self.0.push_import(it.source.value.to_string(), false);
    }

    fn visit_export_from_declaration(&mut self, it: &ExportFromDeclaration<'a>) {
        if !it.export_kind.is_type() {
            self.0.push_import(it.source.value.to_string(), false);
        }
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        if !it.export_kind.is_type() {
            self.0.push_import(it.source.value.to_string(), false);
        }
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        if let TSModuleReference::ExternalModuleReference(module) = &it.module_reference
            && !it.import_kind.is_type()
        {
            self.0.imported.insert(it.id.name.to_string(), module.expression.value.to_string());
            self.0.push_import(module.expression.value.to_string(), false);
        }
    }
}

#[cfg(test)]
mod tests;
