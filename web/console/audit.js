// An order's trail, checked here: each entry's hash, and that it holds the hash of the one before (FR-409).

const START = '0'.repeat(64)

// RFC 8785: members sorted by UTF-16 code units, no white space, numbers and strings as JavaScript writes them.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

async function sha256(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// What is wrong with each entry, oldest first; null where nothing is. An entry after a broken one proves nothing.
export async function check(orderId, entries) {
  const faults = []
  let last = { sequence: 0, hash: START }
  for (const entry of entries) {
    const { hash, ...content } = entry
    let fault = null
    if (faults.some(Boolean)) fault = 'follows an entry that does not hold'
    else if (entry.sequence !== last.sequence + 1) fault = 'an entry before it is missing'
    else if (entry.previous_hash !== last.hash) fault = 'does not hold the hash of the entry before it'
    else if ((await sha256(canonical({ ...content, order_id: orderId }))) !== hash) fault = 'was changed: its hash is not that of its content'
    faults.push(fault)
    last = entry
  }
  return faults
}

// Browsers lend their cryptography to pages that came safely: over HTTPS, or from this machine.
export const canCheck = () => Boolean(globalThis.crypto?.subtle)
