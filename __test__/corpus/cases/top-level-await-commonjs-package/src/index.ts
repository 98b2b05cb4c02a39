const { config } = await import('./config');
console.log(config);
