# ruleid: ruby.params-in-command
system("convert #{params[:file]} out.png")
# ruleid: ruby.params-in-command
out = `ls #{params[:dir]}`
# ok: ruby.params-in-command
system("convert", params[:file], "out.png")
# ok: ruby.params-in-command
system("convert #{Shellwords.escape(params[:file])} out.png")
# ok: ruby.params-in-command
out = `ls #{folder}`

# ruleid: ruby.params-in-sql
User.where("name = '#{params[:name]}'")
# ruleid: ruby.params-in-sql
User.order("#{params[:column]} desc")
# ok: ruby.params-in-sql
User.where("name = ?", params[:name])
# ok: ruby.params-in-sql
User.where(name: params[:name])
# ok: ruby.params-in-sql
User.where("id = #{params[:id].to_i}")

# ruleid: ruby.params-evaluated
eval(params[:code])
# ruleid: ruby.params-evaluated
report.send(params[:kind])
# ruleid: ruby.params-evaluated
model = params[:type].constantize
# ok: ruby.params-evaluated
report.send(:total, params[:kind])
# ok: ruby.params-evaluated
model = MODELS.fetch(params[:type])

# ruleid: ruby.params-deserialized
cart = Marshal.load(Base64.decode64(cookies[:cart]))
# ruleid: ruby.params-deserialized
settings = YAML.load(params[:settings])
# ok: ruby.params-deserialized
settings = YAML.safe_load(params[:settings])
# ok: ruby.params-deserialized
copy = Marshal.load(Marshal.dump(settings))

# ruleid: ruby.params-as-html
title = params[:title].html_safe
# ruleid: ruby.params-as-html
title = "<h1>#{params[:title]}</h1>".html_safe
# ok: ruby.params-as-html
title = "<h1>Users</h1>".html_safe
# ok: ruby.params-as-html
title = sanitize(params[:title])

# ruleid: ruby.params-redirect
redirect_to params[:next]
# ok: ruby.params-redirect
redirect_to user_path(params[:id])

# ruleid: ruby.all-params-permitted
user = User.new(params.require(:user).permit!)
# ok: ruby.all-params-permitted
user = User.new(params.require(:user).permit(:name))
