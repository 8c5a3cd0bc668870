// jest's environment for Node.js, less what one test file would leave to the next in the same process.
import { AsyncLocalStorage } from 'node:async_hooks'
import { TestEnvironment } from 'jest-environment-node'
import * as oidcProvider from './provider/oidc-provider.mjs'

const { run } = AsyncLocalStorage.prototype

/**
 * Each file loads jest's runner anew, and that has a storage of its own. In Node.js 20 every
 * storage that is in use is asked at every promise of the process: with eighty of them a test takes half as long again.
 */
export default class Environment extends TestEnvironment {
  /** @type {Set<AsyncLocalStorage<unknown>>} */
  #used = new Set()

  /** @override */
  async setup() {
    AsyncLocalStorage.prototype.run = new Proxy(run, {
      apply: (target, storage, args) => {
        this.#used.add(storage)
        return Reflect.apply(target, storage, args)
      },
    })
    await super.setup()
    this.global.oidcProvider = oidcProvider
    // Once for all files of a process as well, and only where one opens a browser.
    this.global.loadPlaywright = () => import('playwright-core')
  }

  /** @override */
  async teardown() {
    AsyncLocalStorage.prototype.run = run
    for (const storage of this.#used) storage.disable()
    await super.teardown()
  }
}
