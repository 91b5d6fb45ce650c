// A token for this visit from our own backend, then the element of Tingqing's server with it.
const { server, token } = await (await fetch('visit', { method: 'POST' })).json();
await import(`${server}index.js`);
const patient = document.createElement('tingqing-patient');
patient.setAttribute('server', server);
patient.setAttribute('token', token);
patient.setAttribute('lang', 'en');
document.querySelector('main').append(patient);
