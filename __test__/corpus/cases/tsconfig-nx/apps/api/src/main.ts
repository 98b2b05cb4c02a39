import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import { config } from '@shop/config';
import { mail } from '@shop/config/mail';

@Injectable()
class Clock { now() { return mail.mail_url; } }
@Injectable()
class Cats { constructor(private readonly clock: Clock) {} all() { return [this.clock.now()]; } }
@Module({ providers: [Clock, Cats] })
class AppModule {}

async function bootstrap() {
  express();
  const app = await NestFactory.create(AppModule, { logger: false });
  if (app.get(Cats).all().length !== 1) throw new Error('not injected');
  await app.listen(config.port);
}
bootstrap();
