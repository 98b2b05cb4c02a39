import { config } from '../config';

const rooted = import.meta.glob('/src/routes/*.ts', { eager: true, exhaustive: false });
const aliased = Object.keys(import.meta.glob('@/routes/deep/*.ts', { eager: true }));
const above = Object.keys(import.meta.glob('../routes/{a,none}.ts', { eager: true }));
const based = Object.keys(import.meta.glob('./*.ts', { eager: true, base: '../routes/deep' }));
const globbed = Object.keys(import.meta.globEager('../routes/a.ts'));
if (!('/src/routes/a.ts' in rooted) || aliased.length !== 1 || above.join() !== '../routes/a.ts' || globbed.length !== 1) throw new Error('wrong keys');
if (based.join() !== './b.ts') throw new Error(based.join());
console.log(config.port);
