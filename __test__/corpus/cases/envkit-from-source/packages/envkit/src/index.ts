import { z } from 'zod';

export class EnvironmentParser {
  constructor(private readonly values: Record<string, unknown>) {}

  create<T>(builder: (get: (name: string) => typeof z) => T) {
    const shape = builder(() => z) as Record<string, { parse(value: unknown): unknown }>;
    return { parse: () => Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, schema.parse(this.values[key])])) };
  }
}
