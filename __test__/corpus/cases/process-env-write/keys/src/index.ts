process.env.A='1'; if (!Object.keys(process.env).includes('A')) throw new Error('x'); if (!Object.hasOwn(process.env, 'A')) throw new Error('y');
const { config } = await import('./config.js');
console.log(config.port);