// The basket, as a page of its own and as a panel beside the products.

import * as basket from '../basket.js'
import { Refusal, read } from '../api.js'
import { h } from '../dom.js'
import { money, plural, tie } from '../format.js'
import { action, empty, heading, icon, ICONS, note, stepper } from '../parts.js'
import { placeOrder } from '../payment.js'
import { picture } from '../pictures.js'

export async function showBasket({ place, signal }) {
  place.append(heading('Basket'), h('div', { class: 'narrow' }, basketPanel({ signal })))
}

export function basketPanel({ signal }) {
  const panel = h('section', { class: 'panel basket', 'aria-label': 'What is in the basket' })
  const list = h('div', {})
  const refused = h('div', { class: 'refused' })
  panel.append(list, refused)
  const paint = () => {
    const focused = panel.contains(document.activeElement) ? document.activeElement.getAttribute('data-focus') : null
    list.replaceChildren(...(basket.count() ? full(signal, refused) : [nothing()]))
    if (focused) list.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus()
  }
  paint()
  addEventListener('basket', paint, { signal })
  return panel
}

const nothing = () => empty('Your basket is empty', 'Choose something that you like.', location.hash === '#/basket' && h('a', { class: 'button quiet', href: '#/' }, 'See the products'))

function full(signal, refused) {
  const currency = basket.currency()
  const order = action('Go to payment', 'One moment…', () => goToPayment(signal, refused), { className: 'button wide', place: refused })
  return [
    h('p', { class: 'panel-title' }, plural(basket.count(), 'item')),
    h('ul', { class: 'basket-lines' }, basket.lines().map(line)),
    h('p', { class: 'total' }, h('span', {}, 'Total'), h('span', { class: 'amount' }, money(basket.total(), currency))),
    order,
  ]
}

function line(each) {
  const steps = stepper(each.name, each.quantity, (next) => basket.put(each, next))
  for (const [at, button] of steps.querySelectorAll('button').entries()) button.dataset.focus = `${each.product_id} ${at}`
  return h(
    'li',
    {},
    h('span', { class: 'thumb' }, picture(each.product_id, each.name)),
    h('span', { class: 'item-name' }, h('b', {}, tie(each.name)), h('small', {}, money(each.unit_price, each.currency))),
    steps,
    h('button', { type: 'button', class: 'icon-button remove', 'aria-label': `Take ${each.name} out`, onclick: () => basket.put(each, 0) }, icon(ICONS.cross)),
  )
}

async function goToPayment(signal, refused) {
  try {
    const order = await placeOrder(basket.lines(), { signal, tell: ({ is }) => is === 'unconnected' && refused.replaceChildren(waiting()) })
    basket.empty()
    location.hash = `#/pay/${order.id}`
  } catch (error) {
    if (error instanceof Refusal && error.code === 'price_changed') {
      basket.takeUp((await read('/products', signal)).products)
      refused.replaceChildren(note(named(error)))
      return
    }
    throw error instanceof Refusal ? named(error) : error
  }
}

// The customer knows products by their names.
function named(refusal) {
  const product = basket.lines().find((each) => each.product_id === refusal.facts.product_id)
  if (product) refusal.facts = { ...refusal.facts, product_id: product.name }
  return refusal
}

const waiting = () => h('p', { class: 'note', role: 'status' }, 'No connection. Your order is made as soon as there is one, once.')
