'use strict';
// Addresses are relative: the page stands at /docs and at /api/docs, and perhaps behind a proxy below a path of its own.

// What a browser's session needs to change something: the token that belongs to its cookie, once somebody has entered it.
const ui = SwaggerUIBundle({
  url: new URL('openapi.json', document.baseURI).href,
  dom_id: '#operations',
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  persistAuthorization: false, // a token stays in this page's memory
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // it would send the document to somebody else
  presets: [SwaggerUIBundle.presets.apis],
});
window.ui = ui;
