import * as v from 'valibot';
export const env = v.parse(v.object({ API_KEY: v.string(), N: v.pipe(v.string(), v.transform(Number), v.number()) }), process.env);