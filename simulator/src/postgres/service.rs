//! A real PostgreSQL as what stands behind each simulated Postgres service.

use super::PostgresBackend;
use crate::DatabaseBackend;
use async_trait::async_trait;

#[async_trait]
impl DatabaseBackend for PostgresBackend {
    async fn deploy(&self, app_name: &str, user: &str, password: &str, database: &str) -> Result<(), String> {
        Self::deploy(self, app_name, user, password, database).await
    }

    async fn open_port(&self, app_name: &str, port: u16) -> Result<(), String> {
        Self::open_port(self, app_name, port).await
    }

    async fn close_port(&self, app_name: &str) {
        // Unknown names are ignored, and a door that is closed already stays so.
        let _ = Self::close_port(self, app_name).await;
    }

    async fn restart(&self, app_name: &str) {
        let _ = Self::restart(self, app_name).await;
    }

    async fn change_password(&self, app_name: &str, user: &str, password: &str) -> Result<(), String> {
        Self::change_password(self, app_name, user, password).await
    }

    async fn remove(&self, app_name: &str) {
        let _ = Self::remove(self, app_name).await;
    }

    async fn run_sql(&self, app_name: &str, env: &[(String, String)], sql: &str) -> Result<String, String> {
        Self::run_sql(self, app_name, &env.iter().cloned().collect(), sql).await
    }

    async fn run_session(
        &self,
        app_name: &str,
        env: &[(String, String)],
        commands: &[String],
        print: &mut (dyn for<'a> FnMut(&'a str) + Send),
    ) -> Result<(), String> {
        Self::run_session(self, app_name, &env.iter().cloned().collect(), commands, print).await
    }

    async fn shutdown(&self) {
        for app_name in self.app_names() {
            let _ = Self::remove(self, &app_name).await;
        }
    }
}
