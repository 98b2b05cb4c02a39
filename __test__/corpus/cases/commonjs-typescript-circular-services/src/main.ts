import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CatsService } from './cats.service';
import { DogsService } from './dogs.service';
import { config } from './config';

@Module({ providers: [CatsService, DogsService] })
class AppModule {}

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: false });
  if (app.get(CatsService).all().length !== 1) throw new Error('not injected');
  await app.listen(config.port);
}
bootstrap();
