import { config } from './config';

const routes = import.meta.glob<{ a: unknown }>(['./routes/**/*.ts', '!**/*.test.ts'], { eager: true });
const defaults = import.meta.glob('./routes/deep/*.ts', { eager: true, import: 'default' });
const texts = import.meta.glob('./routes/*.md', { eager: true, query: '?raw', import: 'default' });
const old = import.meta.glob('./routes/*.md', { eager: true, as: 'raw' });
if (Object.keys(routes).join() !== './routes/a.ts,./routes/deep/b.ts') throw new Error(Object.keys(routes).join());
if (defaults['./routes/deep/b.ts'] !== 'b' || !String(texts['./routes/readme.md']).startsWith('#') || old['./routes/readme.md'] !== texts['./routes/readme.md']) throw new Error('wrong modules');
console.log(config.port);
