const { EnvironmentParser } = require('@geekmidas/envkit');
const config: object = new EnvironmentParser(process.env).create((get: any) => ({ port: get('PORT').string() })).parse();
module.exports = { config };
