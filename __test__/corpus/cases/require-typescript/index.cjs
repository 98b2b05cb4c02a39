const { config } = require('./config');
const { other } = require('./other.ts');
console.log(config, other);
