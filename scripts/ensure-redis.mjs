// Makes sure that the tests have a redis-server binary to start; never starts or touches a running Redis.
import { ensureProgram, onPath } from './ensure-program.mjs'

ensureProgram({
  name: 'redis-server',
  isThere: () => Boolean(process.env.TEST_REDIS_URL) || onPath('redis-server') !== undefined,
  minutes: 5,
  packages: { apt: 'redis-server', brew: 'redis', dnf: 'redis', apk: 'redis', pacman: 'redis' },
  service: 'redis-server',
  otherwise: 'TEST_REDIS_URL=redis://127.0.0.1:6379/15 npm test',
})
