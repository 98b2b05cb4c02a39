'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
const path = require('path');
const fs = require('fs');
const { EnvironmentParser } = require('@geekmidas/envkit');
const { Runtime } = require('./runtime/library.js');
const dirname = fs.existsSync(path.join(process.cwd(), 'generated')) ? path.join(process.cwd(), 'generated/client') : __dirname;
const schema = fs.readFileSync(path.join(dirname, 'schema.prisma'), 'utf8');
const name = /env\("(\w+)"\)/.exec(schema)[1];
exports.Client = class Client extends Runtime {
  url = new EnvironmentParser(process.env).create((get) => ({ url: get(name).string() })).parse().url;
};
exports.$Enums = {};
