import envkit = require('@geekmidas/envkit');
const { config } = require('./config.cjs');

export = { config, again: new envkit.EnvironmentParser({}).create((get: any) => ({ a: get('FROM_CTS').string() })).parse() };
