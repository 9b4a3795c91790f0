# A small Debian: what `debian:*-slim` is elsewhere.
ARG BELOW
FROM ${BELOW}
ENV LANG=C.UTF-8
CMD ["bash"]
RUN update-ca-certificates \
 && mkdir /slipway-base \
 && . /etc/os-release && echo "$VERSION_ID" > /slipway-base/version
