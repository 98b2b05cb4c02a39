import { EnvironmentParser } from '@geekmidas/envkit';

const parser = new EnvironmentParser(process.env);
const parsed = parser.create((get) => ({ a: get('FIRST').string(), b: get('SECOND').string() }));
if (parsed.getEnvironmentVariables().join() !== 'FIRST,SECOND' || parser.getEnvironmentVariables().length !== 2) throw new Error('names');
parser.create((get) => ({ c: get('THIRD').string() })).parse();
