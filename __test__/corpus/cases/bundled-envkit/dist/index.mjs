class EnvironmentParser { constructor(v) { this.v = v; } create(b) { const v = this.v; b((name) => ({ string() { if (v[name] === undefined) throw new TypeError(`${name} is missing`); return v[name]; } })); return {}; } }
var config = new EnvironmentParser(process.env).create((get) => ({ port: get("PORT").string() }));
export { config };
