const { EnvironmentParser } = require('@geekmidas/envkit');

const config = new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
module.exports = { config };
