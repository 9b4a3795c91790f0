# nginx for files, arranged as in `nginx:*`: sites in /usr/share/nginx/html, settings in
# /etc/nginx/conf.d.
ARG BELOW
FROM ${BELOW}
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends nginx-light > /dev/null \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && rm /etc/nginx/sites-enabled/default \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log \
 && printf 'server {\n  listen 80;\n  root /usr/share/nginx/html;\n  index index.html;\n}\n' \
    > /etc/nginx/conf.d/default.conf \
 && nginx -v 2>&1 | sed 's|.*/||; s|\([0-9]*\.[0-9]*\).*|\1|' > /slipway-base/version
