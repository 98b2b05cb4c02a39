/**
 * A simulated Dokploy server for tests. The package `@geekmidas/deploy-native-testing` must be installed beside this one.
 *
 * @packageDocumentation
 */

export * from '@geekmidas/deploy-native-testing';
