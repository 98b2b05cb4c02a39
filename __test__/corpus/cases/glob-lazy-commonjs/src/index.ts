import { config } from './config';

const routes = import.meta.glob(['./routes/**/*.ts', '!./routes/**/*.test.ts']);
export const handle = async (name: string) => routes[`./routes/${name}.ts`]!();
if (typeof routes['./routes/a.ts'] !== 'function') throw new Error('no loader');
console.log(config.port);
