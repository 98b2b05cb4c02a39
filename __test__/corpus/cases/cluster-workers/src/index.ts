import cluster from 'node:cluster';

if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const { config } = await import('./config.js');
  console.log(config.port);
}
