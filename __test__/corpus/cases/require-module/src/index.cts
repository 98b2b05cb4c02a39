const { config } = require('./config.mjs');
const { Client } = require('esm-only');
if (config.port === undefined || new Client().ready !== true) throw new Error('not loaded');
