# The distribution's Node.js. Of npm and the four hundred packages it pulls in, only its JavaScript
# is unpacked: the compilers and interpreters among them, which native modules would need, are many
# times its size.
ARG BELOW
FROM ${BELOW}
# Node.js brings authorities of its own; these are the system's.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends nodejs > /dev/null \
 && apt-get install -qq -y --no-install-recommends --download-only npm > /dev/null \
 && for package in /var/cache/apt/archives/npm_*.deb /var/cache/apt/archives/node-*.deb; do \
      dpkg-deb --extract "$package" / || exit 1; done \
 && rm -rf /usr/share/doc/node-* /usr/share/doc/npm /usr/share/man/man1/npm* \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && npm --version > /dev/null \
 && node -p 'process.versions.node.split(".")[0]' > /slipway-base/version
