// What a tab remembers until it is closed: the token, the basket, and what the customer wants and has a key for.
// Where the browser does not allow it, it is remembered for as long as the page is open.

const unkept = new Map()

export function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null')
  } catch {
    return unkept.get(name) ?? null
  }
}

export function keep(name, value) {
  unkept.set(name, value)
  try {
    sessionStorage.setItem(name, JSON.stringify(value))
  } catch {
    // Unkept, then.
  }
}

export function forget(name) {
  unkept.delete(name)
  try {
    sessionStorage.removeItem(name)
  } catch {
    // It was not kept.
  }
}

// The checkout remembers a key for 24 hours: what is under way for longer is not taken up with it.
const HOURS = 23

// What is wanted by a name and has not ended; null where nothing is.
export function wish(name) {
  const intent = recall(name)
  return intent && Date.now() - intent.at < HOURS * 3_600_000 ? intent.wanted : null
}

// Something more of what is wanted by a name, while it is.
export function remark(name, facts) {
  const intent = recall(name)
  if (intent) keep(name, { ...intent, ...facts })
}

// One key for one thing that the customer wants: the same thing gets the same key until it has ended. So nothing may be in
// `wanted` that changes by itself.
export function keyFor(name, wanted) {
  if (JSON.stringify(wish(name)) === JSON.stringify(wanted)) return recall(name).key
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  keep(name, { key, wanted, at: Date.now() })
  return key
}

// Who the token says one is. It is not verified here: the API does that.
export function whoAmI() {
  const token = recall('token')
  if (!token) return null
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes))
    const scopes = String(claims.scope ?? '').split(' ')
    return { name: String(claims.sub), isStaff: scopes.includes('orders:manage') }
  } catch {
    return null
  }
}

// Who signs in again, since a token has run out, finds everything as it was; the things of another are gone.
export function signIn(token) {
  keep('token', token)
  const who = whoAmI()
  if (who === null) {
    forget('token')
    return null
  }
  if (![null, who.name].includes(recall('owner'))) {
    signOut()
    keep('token', token)
  }
  keep('owner', who.name)
  return who
}

// The basket and what is under way are one person's.
export function signOut() {
  unkept.clear()
  try {
    sessionStorage.clear()
  } catch {
    // Nothing was kept.
  }
}
