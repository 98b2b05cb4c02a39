//! Environments as the server and the app read them.

mod dotenv;
