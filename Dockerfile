FROM apache/airflow:3.3.2-python3.12 AS colophon

USER root
# gnupg: for partners who want their files encrypted. Java: for EPUBCheck.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless gnupg \
    && rm -rf /var/lib/apt/lists/* \
    # Made here so that the named volumes begin with the right owner.
    && install --directory --owner=airflow --group=0 --mode=0770 /opt/airflow/auth /opt/airflow/store /opt/airflow/sandbox-data \
    && install --directory --owner=airflow --group=0 --mode=0700 /opt/airflow/gnupg

USER airflow
WORKDIR /opt/airflow
ENV PYTHONPATH=/opt/airflow

# The lock first: it changes less often than the code.
COPY --chown=airflow:0 requirements.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt

COPY --chown=airflow:0 pyproject.toml requirements.in README.md LICENSE ./
COPY --chown=airflow:0 include ./include
COPY --chown=airflow:0 plugins ./plugins
COPY --chown=airflow:0 config ./config
COPY --chown=airflow:0 dags ./dags
# Editable: one copy of the code, in the place where Airflow looks, and the entry points that make our connection types known.
RUN pip install --no-cache-dir --no-deps --editable .


FROM colophon AS sandbox

COPY --chown=airflow:0 requirements-dev.txt ./
# Only what the make-believe servers need, at the versions that the tests run with.
RUN pip install --no-cache-dir --constraint requirements-dev.txt pyftpdlib pyOpenSSL
COPY --chown=airflow:0 sandbox ./sandbox
