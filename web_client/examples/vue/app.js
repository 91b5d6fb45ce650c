import { createApp } from 'vue';

import { visit } from '../pages/visit.js';
import Call from './Call.vue';

const ready = await visit();
if (ready) createApp(Call, { server: ready.server, token: ready.token }).mount('#app');
