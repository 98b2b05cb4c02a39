const { EnvironmentParser } = require('@geekmidas/envkit');

if (require.main === module) {
  new EnvironmentParser(process.env).create((get) => ({ port: get('PORT').string() })).parse();
}
