import type { NextConfig } from 'next';
import path from 'node:path';
import { config } from './src/env';

const nextConfig = async (phase: string, { defaultConfig }: { defaultConfig: NextConfig }): Promise<NextConfig> => ({
  ...defaultConfig,
  outputFileTracingRoot: path.join(__dirname, '../..'),
  env: { site: config.site, build: process.env.BUILD_ID },
  webpack(webpackConfig: any) { webpackConfig.resolve.alias['~'] = require.resolve('./src'); return webpackConfig; },
});
export default nextConfig;
