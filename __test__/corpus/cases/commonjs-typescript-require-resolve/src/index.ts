import { config } from './config';

const plugin = require.resolve('./plugin');
if (!plugin.endsWith('plugin.ts') || require.resolve('./folder') === plugin) throw new Error(plugin);
if (require('./plugin').name !== 'plugin' || require(plugin) !== require('./plugin.js')) throw new Error('two plugins');
if (require.main !== module || !require.cache[__filename] || require('./folder').default !== 1) throw new Error('not main');
console.log(typeof exports, __dirname, config.port);
