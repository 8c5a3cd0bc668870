// oidc-provider writes its development notices straight to the console, and has no switch for it: what a configuration can
// avoid, config.ts avoids; the rest (an unsupported Node.js, devInteractions) is kept from the console here, those lines only.
const NOTICE = /oidc-provider (NOTICE|WARNING): /

/** @returns the way back */
export function muteNotices() {
  const { info, warn } = console
  /** @param {typeof info} write */
  const unless = (write) => {
    /** @param {unknown[]} line */
    return (...line) => {
      if (!NOTICE.test(String(line[0]))) write(...line)
    }
  }
  console.info = unless(info)
  console.warn = unless(warn)
  return () => void Object.assign(console, { info, warn })
}
