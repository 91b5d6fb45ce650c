/** Where webhooks of the site go, what could not be delivered, and that it is sent again. */

import { asked } from './records.js';

/**
 * @import { Refusal } from './records.js'
 *
 * @typedef {{id: string, host: string, events: string[], state: 'told' | 'paused', waiting: number, dead: number}}
 *   WebhookEndpoint
 * @typedef {{number: number, type: string, endpoint: string, host: string, attempts: number, created_at: string,
 *   given_up_at: string | null, status: number | null, why: string}} DeadDelivery
 */

/** @returns {Promise<{endpoints: WebhookEndpoint[]} | Refusal>} the oldest first */
export function siteEndpoints() {
  return asked('v1/webhooks');
}

/**
 * @param {number | null} after the number of the last of the page before
 * @returns {Promise<{dead: DeadDelivery[], next: number | null} | Refusal>} the latest first
 */
export function deadDeliveries(after) {
  return asked(after === null ? 'v1/webhooks/dead' : `v1/webhooks/dead?cursor=${after}`);
}

/** @param {number} number @returns {Promise<{replayed: number} | Refusal>} */
export function sendAgain(number) {
  return asked(`v1/webhooks/dead/${number}/replay`, { method: 'POST' });
}

/** @param {string | null} endpoint null: all of the site @returns {Promise<{replayed: number} | Refusal>} */
export function sendAllAgain(endpoint) {
  const address = 'v1/webhooks/dead/replay';
  return asked(endpoint === null ? address : `${address}?endpoint=${encodeURIComponent(endpoint)}`, { method: 'POST' });
}
