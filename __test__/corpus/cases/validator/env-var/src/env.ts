import env from 'env-var';
export const key = env.get('API_KEY').required().asString();
export const n = env.get('RETRIES').required().asIntPositive();
export const o = env.get('OPT').asString();