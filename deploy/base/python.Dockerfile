# The distribution's Python, arranged as in `python:*-slim`: `python` and `pip` are on the path and
# install into /usr/local, without a virtual environment of one's own.
ARG BELOW
FROM ${BELOW}
CMD ["python3"]
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends python3 python3-venv > /dev/null \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /usr/local \
 && python -c 'import sys; print("%d.%d" % sys.version_info[:2])' > /slipway-base/version
