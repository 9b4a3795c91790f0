FROM {base}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN SECRET_KEY=build python manage.py collectstatic --noinput
ENV PYTHONUNBUFFERED=1 WEB_CONCURRENCY=2 SECRET_KEY=bench ALLOWED_HOSTS=*
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "shop.wsgi"]
