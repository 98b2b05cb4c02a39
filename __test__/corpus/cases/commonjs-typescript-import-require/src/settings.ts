import { Kind } from './kinds';

const settings = { kind: Kind.Http };
export = settings;
