if (!process.env.STRIPE_KEY) throw new Error('STRIPE_KEY is not set');
export const key = process.env.STRIPE_KEY;