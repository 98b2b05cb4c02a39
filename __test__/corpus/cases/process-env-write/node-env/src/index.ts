process.env.NODE_ENV = 'test'; process.env.NODE_ENV ||= 'production'; process.env.PATH += ':/x'; delete process.env.PATH;
const { config } = await import('./config.js');
console.log(config.port);